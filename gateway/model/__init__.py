"""The nouns of the house: frozen values, standard library only, no clock and no I/O."""
