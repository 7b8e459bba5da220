"""Where shares are joined: in this process, or in one that does nothing else."""
