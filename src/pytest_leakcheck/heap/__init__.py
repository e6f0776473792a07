"""The live heap: its roots, who holds what, the names of references, and places that are known again."""
