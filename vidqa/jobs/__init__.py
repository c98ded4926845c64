"""Jobs: taken, claimed, run, ended, each exactly once in effect. The row is the truth."""
