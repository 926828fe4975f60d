// The only file that reads environment variables. Precedence everywhere: flags, then these, then the configuration file,
// then defaults.

export interface Environment {
  /** Path of the configuration file. */
  readonly config: string | undefined
  /** Address of a running Spillway, and its token, for the commands that talk to one. */
  readonly url: string | undefined
  readonly token: string | undefined
  /** What a server started here listens on, and the token it asks for. */
  readonly httpHost: string | undefined
  readonly httpPort: string | undefined
  readonly httpToken: string | undefined
  readonly logLevel: string | undefined
  /** Colour is unwanted (https://no-color.org) or impossible. */
  readonly colourless: boolean
}

export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  // An empty variable counts as unset, as is usual for container definitions.
  const read = (name: string): string | undefined => variables[name] || undefined
  return {
    config: read('SPILLWAY_CONFIG'),
    url: read('SPILLWAY_URL'),
    token: read('SPILLWAY_TOKEN'),
    httpHost: read('SPILLWAY_HTTP_HOST'),
    httpPort: read('SPILLWAY_HTTP_PORT'),
    httpToken: read('SPILLWAY_HTTP_TOKEN'),
    logLevel: read('SPILLWAY_LOG_LEVEL'),
    colourless: read('NO_COLOR') !== undefined || variables.TERM === 'dumb',
  }
}

/** As the help shows them. */
export const ENVIRONMENT_VARIABLES: readonly (readonly [string, string])[] = [
  ['SPILLWAY_CONFIG', 'path of the configuration file'],
  ['SPILLWAY_URL', 'address of a running Spillway'],
  ['SPILLWAY_TOKEN', 'its bearer token'],
  ['SPILLWAY_HTTP_HOST, _PORT, _TOKEN', 'what dev and start listen on, and the token they ask for'],
  ['SPILLWAY_LOG_LEVEL', 'trace, debug, info, warn, error, fatal or silent'],
  ['NO_COLOR', 'no colours'],
]
