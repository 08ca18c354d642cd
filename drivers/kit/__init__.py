"""The conformance kit: scenes that every lock driver must play, whatever stands behind it."""
