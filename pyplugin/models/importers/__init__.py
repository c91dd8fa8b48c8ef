"""Importers: how models are built from files that others published, one file a family.

``importer``
    The protocol, the decorator that registers an importer, and the importers that there are.

Every other module in this folder is imported when a model is looked up by its name, and registers
what it has. So a new family is one new file; docs/importers.md has an example.
"""
