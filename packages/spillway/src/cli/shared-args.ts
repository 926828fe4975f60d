// Arguments that several commands have, so that they mean the same everywhere.

export const globalArgs = {
  json: { type: 'boolean', description: 'Print JSON: one value, or one line per item' },
  config: {
    type: 'string',
    valueHint: 'path',
    description: 'Configuration file; default: searched upward from here',
  },
  color: {
    type: 'boolean',
    description: 'Colours, on a terminal',
    negativeDescription: 'No colours',
  },
} as const

/** For commands that work on a running Spillway as well as on the store of the configuration. */
export const targetArgs = {
  ...globalArgs,
  url: {
    type: 'string',
    valueHint: 'url',
    description: 'Talk to this running Spillway instead of the store',
  },
  token: { type: 'string', valueHint: 'token', description: 'Its bearer token; better in SPILLWAY_TOKEN' },
} as const
