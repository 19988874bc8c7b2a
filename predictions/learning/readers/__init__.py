"""What is measured of images and sound: named readers, from bytes to values. Pure."""
