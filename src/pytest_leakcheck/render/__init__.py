"""Reports in, text or files out: nothing here sees a live object."""
