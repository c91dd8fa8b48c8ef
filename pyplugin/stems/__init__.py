"""Source separation: a recording or a stream as stems, by Spleeter's networks.

==============================================  ====================================================
:func:`pyplugin.stems.separation.separate`      a recording in, its stems out; also into files
:class:`pyplugin.stems.separator.Separator`     blocks in, blocks of all stems out
:func:`pyplugin.stems.embedding.embed_stems`    what the networks' bottlenecks hold of each part
==============================================  ====================================================

The samples become short-time spectra (:mod:`pyplugin.stems.spectra`, in C), the networks return a
mask for each stem (:mod:`pyplugin.stems.network`, LiteRT), the masks become shares
(:mod:`pyplugin.stems.masks`), and the shares of the spectra become samples again.
"""
