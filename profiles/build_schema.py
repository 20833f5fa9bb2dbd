def schema(definitions):
    return {}
