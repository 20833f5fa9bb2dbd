"""Floor 2: one verb a file. They decide; the rooms above bring them bytes and carry out what they decided."""
