"""Catalogues: many recordings, tagged once, in Parquet files that other programs read.

=====================  =============================================================================
:mod:`.setup`          what recordings are analysed with, and whether two of these are the same
:mod:`.scanning`       the recordings in folders: their sizes, times and names
:mod:`.planning`       what is new, changed, moved or gone; tasks of about a minute of work
:mod:`.analysis`       one recording, decoded once, through all models
:mod:`.processes`      a process a core of this machine does the work
:mod:`.cluster`        a Dask cluster does it
:mod:`.store`          the folder of a catalogue: parts that are written whole
:mod:`.query`          conditions on columns, in DuckDB; :mod:`.export` writes what they select
:mod:`.similar`        the nearest embeddings; :mod:`.map` draws them
:mod:`.writeback`      results in the tags of the files themselves
:mod:`.building`       all of it: recordings in, parts out, at any time to be continued
=====================  =============================================================================
"""
