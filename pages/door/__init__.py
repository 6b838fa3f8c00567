"""The door of the app: who may come in, what each role may see, and what every answer carries."""
