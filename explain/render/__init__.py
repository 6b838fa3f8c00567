"""How is a map drawn over a scan, and taken away as a picture?"""
