"""What a run will cost, before it starts: jobs, hours, memory, disk, downloads, from its plan."""
