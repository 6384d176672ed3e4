"""Does a dataset obey the schema?"""
