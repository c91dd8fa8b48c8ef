"""Shared by all: atomic files, spelling, optional imports, results. Imports only errors."""
