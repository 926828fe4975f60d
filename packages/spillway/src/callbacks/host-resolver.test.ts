import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NameServer } from '../../test/callbacks/name-server.js'
import { createHostResolver, type ResolveHost } from './host-resolver.js'

let names: NameServer
let resolve: ResolveHost

beforeEach(async () => {
  names = await NameServer.start()
  resolve = createHostResolver({
    nameServers: [names.address],
    isAllowedHost: (hostname) => hostname === 'localhost',
  })
})
afterEach(() => names.close())

describe('createHostResolver', () => {
  it('answers with all addresses of both families', async () => {
    names.records.set('hooks.example.com', ['93.184.216.34', '93.184.216.35', '2606:2800::1'])
    expect(await resolve('hooks.example.com')).toEqual(['93.184.216.34', '93.184.216.35', '2606:2800::1'])
  })

  it('is content with one family', async () => {
    names.records.set('four.example.com', ['93.184.216.34'])
    names.records.set('six.example.com', ['2606:2800::1'])
    expect(await resolve('four.example.com')).toEqual(['93.184.216.34'])
    expect(await resolve('six.example.com')).toEqual(['2606:2800::1'])
  })

  it('says which name cannot be resolved, and why', async () => {
    names.records.set('empty.example.com', [])
    await expect(resolve('none.example.com')).rejects.toMatchObject({
      code: 'dns',
      message: 'none.example.com cannot be resolved: ENOTFOUND',
    })
    await expect(resolve('empty.example.com')).rejects.toMatchObject({
      code: 'dns',
      message: 'empty.example.com cannot be resolved: ENODATA',
    })
  })

  it('lets the machine resolve only names an operator vouches for', async () => {
    expect(await resolve('localhost')).toContain('127.0.0.1')
    expect(names.asked).toEqual([])
    // It is not asked of the hosts file, which knows it on every machine, once nobody vouches for it.
    const strict = createHostResolver({ nameServers: [names.address], isAllowedHost: () => false })
    names.records.set('localhost.example.com', ['93.184.216.34'])
    expect(await strict('localhost.example.com')).toEqual(['93.184.216.34'])
    expect(new Set(names.asked)).toEqual(new Set(['localhost.example.com']))
  })
})
