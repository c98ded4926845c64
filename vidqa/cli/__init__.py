"""The command line: decode arguments, call the core, encode results.

Results go to stdout, everything else to stderr.
"""
