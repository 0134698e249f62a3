"""Data stories: each joins media, models and checks into one recipe from raw files to a verified dataset."""
