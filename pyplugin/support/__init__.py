"""What every room uses: atomic files, spelling of names, optional imports. Imports only errors."""
