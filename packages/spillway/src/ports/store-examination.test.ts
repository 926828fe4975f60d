import { describe, expect, it } from 'vitest'
import { encryption } from './store-examination.js'

describe('encryption', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]', '/run/postgresql'])(
    'need not be on the way to %s',
    (host) => {
      expect(encryption(false, host)).toMatchObject({ name: 'encryption', level: 'ok' })
    },
  )

  it.each(['db.example', '10.0.0.7', 'localhost.example', '127.example'])(
    'is worth a warning on the way to %s',
    (host) => {
      expect(encryption(false, host)).toMatchObject({
        level: 'warn',
        detail: 'the connection is not encrypted',
        advice: expect.stringContaining('TLS'),
      })
      expect(encryption(true, host)).toEqual({ name: 'encryption', level: 'ok', detail: 'TLS' })
    },
  )
})
