"""What is asked of the interpreter and of its objects without running a line of user code, and what it differs in."""
