"""What of classes that no prompt names? Fits without some of them, scored on their images."""
