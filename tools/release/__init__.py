"""What ``make release`` and ``make release-check`` run; RELEASE.md describes both.

`targets` lists the platforms, `compiling` builds for one, `bundles` lays out its folder, `archives`
packs it, `sbom` lists what is inside, `wheels` builds the Python package, `inspecting` looks at the
results, and `check` at a release as a whole.
"""
