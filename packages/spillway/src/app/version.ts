// The version of the package, for metrics, the OpenAPI document and the command line. A test compares it with package.json.

export const VERSION = '0.1.0'
