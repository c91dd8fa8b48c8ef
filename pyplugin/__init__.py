"""placeholder; written with the first modules"""
