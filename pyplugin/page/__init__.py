"""The page of a song: its server, and the folder of static files that works without one."""
