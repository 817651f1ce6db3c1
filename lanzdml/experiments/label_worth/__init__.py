"""What are prompts worth in labels? Methods beside maps fitted to some labelled images a class."""
