import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Files } from '../ports/index.js'
import { CrashDisk } from '../testing/crash-files/index.js'
import { nodeFiles, watchFolder } from './index.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-files-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Kind {
  readonly name: string
  open(): Promise<{ files: Files; root: string }>
}

const KINDS: Kind[] = [
  { name: 'the real disk', open: async () => ({ files: nodeFiles, root: folder }) },
  {
    name: 'the simulated disk',
    open: async () => {
      const files = new CrashDisk({ random: () => 0.4, now: () => 1_767_225_600_000 })
      await files.makeFolder('/root')
      return { files, root: '/root' }
    },
  },
]

describe.each(KINDS)('$name', ({ open }) => {
  it('keeps what was written where it was written', async () => {
    const { files, root } = await open()
    const path = join(root, 'file')
    const file = await files.open(path, 'create')
    await file.write(Buffer.from('hello world'), 0)
    await file.write(Buffer.from('W'), 6)
    await file.sync()
    await files.syncFolder(root)
    const bytes = Buffer.alloc(20)
    expect(await file.read(bytes, 6)).toBe(5)
    expect(bytes.toString('utf8', 0, 5)).toBe('World')
    await file.truncate(5)
    expect(await file.read(bytes, 0)).toBe(5)
    expect(await file.read(bytes, 100)).toBe(0)
    await file.close()
    expect(await files.info(path)).toMatchObject({ isFolder: false, bytes: 5 })
    const again = await files.open(path, 'update')
    await again.write(Buffer.from('!'), 5)
    await again.close()
    expect(await files.info(path)).toMatchObject({ bytes: 6 })
  })

  it('knows names, renames and removes them', async () => {
    const { files, root } = await open()
    await files.makeFolder(join(root, 'a'))
    await (await files.open(join(root, 'a', 'file'), 'create')).close()
    await files.rename(join(root, 'a'), join(root, 'b'))
    expect(await files.list(root)).toEqual(['b'])
    expect(await files.info(join(root, 'a'))).toBeNull()
    await files.touch(join(root, 'b', 'file'), 1_700_000_000_000)
    expect(await files.info(join(root, 'b', 'file'))).toMatchObject({ modifiedAt: 1_700_000_000_000 })
    await expect(files.removeFolder(join(root, 'b'))).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    await files.remove(join(root, 'b', 'file'))
    await files.removeFolder(join(root, 'b'))
    expect(await files.list(root)).toEqual([])
    expect(await files.freeBytes(root)).toBeGreaterThan(0)
  })

  it('says what is wrong the way the operating system does', async () => {
    const { files, root } = await open()
    const path = join(root, 'file')
    await (await files.open(path, 'create')).close()
    await expect(files.open(path, 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.open(join(root, 'none'), 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.open(join(root, 'none'), 'update')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.list(join(root, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.list(path)).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(files.makeFolder(join(root, 'none', 'a'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.makeFolder(path)).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.remove(join(root, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('watching a folder', () => {
  it('tells of changes until it is cancelled', async () => {
    let cancel = (): void => {}
    const changed = new Promise<void>((resolve) => {
      cancel = watchFolder(folder, resolve)
    })
    await (await nodeFiles.open(join(folder, 'file'), 'create')).close()
    await changed
    cancel()
  })

  it('gives no hints of a folder that is not there', () => {
    watchFolder(join(folder, 'none'), () => {})()
  })
})
