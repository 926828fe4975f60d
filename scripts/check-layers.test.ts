import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkLayers } from './check-layers.mjs'
import { TEST_BED } from './layers.mjs'

const ANY_SIZE = { modulesMin: 1, dependenciesMin: 0 }

describe('the layer check', () => {
  let folder = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-layers-'))
  })

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  function plant(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }

  async function problemsOf(files: Record<string, string>): Promise<string[]> {
    plant(files)
    return (await checkLayers(folder, ANY_SIZE)).problems
  }

  it('accepts imports the table allows', async () => {
    const problems = await problemsOf({
      'src/domain/chunk.ts': "import { createHash } from 'node:crypto'\nexport const hash = createHash\n",
      'src/worker/run.ts': "import { hash } from '../domain/chunk.js'\nexport const run = hash\n",
    })
    expect(problems).toEqual([])
  })

  it('finds an import of a forbidden layer', async () => {
    const problems = await problemsOf({
      'src/intake/submit.ts': 'export const submit = 1\n',
      'src/worker/run.ts': "import { submit } from '../intake/submit.js'\nexport const run = submit\n",
    })
    expect(problems).toEqual(['layer worker: src/worker/run.ts -> src/intake/submit.ts'])
  })

  it('finds a forbidden import that is only of types', async () => {
    const problems = await problemsOf({
      'src/ports/store.ts': 'export type Store = string\n',
      'src/domain/chunk.ts':
        "import type { Store } from '../ports/store.js'\nexport const chunk = (s: Store) => s\n",
    })
    expect(problems).toEqual(['layer domain: src/domain/chunk.ts -> src/ports/store.ts'])
  })

  it('finds one store importing another', async () => {
    const problems = await problemsOf({
      'src/stores/memory/store.ts': 'export const memory = 1\n',
      'src/stores/sqlite/store.ts': "export { memory } from '../memory/store.js'\n",
    })
    expect(problems).toEqual([
      'layer stores/sqlite: src/stores/sqlite/store.ts -> src/stores/memory/store.ts',
    ])
  })

  it('finds a cycle', async () => {
    const problems = await problemsOf({
      'src/domain/left.ts': "import { right } from './right.js'\nexport const left = () => right\n",
      'src/domain/right.ts': "import { left } from './left.js'\nexport const right = () => left\n",
    })
    expect(problems).toContainEqual(expect.stringContaining('no cycles'))
  })

  it('finds a Node module outside the layers that own it', async () => {
    const problems = await problemsOf({
      'src/worker/wait.ts': "export { setTimeout as wait } from 'node:timers/promises'\n",
      'src/domain/read.ts': "export { readFile } from 'node:fs/promises'\n",
    })
    expect(problems).toEqual(
      expect.arrayContaining([
        'node module timers/promises: src/worker/wait.ts -> timers/promises',
        'node module fs/promises: src/domain/read.ts -> fs/promises',
        'pure layer domain: src/domain/read.ts -> fs/promises',
      ]),
    )
  })

  it('finds a package outside the layers that own it, and a package nobody listed', async () => {
    const problems = await problemsOf({
      'node_modules/pino/package.json': '{ "name": "pino", "main": "index.js" }',
      'node_modules/pino/index.js': '',
      'node_modules/left-pad/package.json': '{ "name": "left-pad", "main": "index.js" }',
      'node_modules/left-pad/index.js': '',
      'src/worker/log.ts': "import 'pino'\nimport 'left-pad'\n",
    })
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^package pino: src\/worker\/log\.ts/),
        expect.stringMatching(/^only listed packages: src\/worker\/log\.ts -> .*left-pad/),
      ]),
    )
  })

  it('finds product code that imports a test', async () => {
    const problems = await problemsOf({
      'src/domain/chunk.test.ts': 'export const fixture = 1\n',
      'src/domain/chunk.ts': "export { fixture } from './chunk.test.js'\n",
    })
    expect(problems).toContainEqual(expect.stringContaining('no tests in the product'))
  })

  it('finds an import that leads nowhere and a folder without a layer', async () => {
    const problems = await problemsOf({ 'src/elsewhere/thing.ts': "export * from './gone.js'\n" })
    expect(problems).toContainEqual(expect.stringContaining('imports resolve'))
    expect(problems).toContainEqual('not in any layer: src/elsewhere/thing.ts')
  })

  it('checks a package that is one layer by the owners of its packages and modules', async () => {
    plant({
      'node_modules/pg/package.json': '{ "name": "pg", "main": "index.js" }',
      'node_modules/pg/index.js': '',
      'src/anywhere/thing.ts': "import 'pg'\nimport 'node:child_process'\n",
      'src/postgres.ts': "import 'pg'\n",
    })
    const { problems } = await checkLayers(folder, { ...ANY_SIZE, table: TEST_BED })
    expect(problems.sort()).toEqual([
      'node module child_process: src/anywhere/thing.ts -> child_process',
      expect.stringMatching(/^package pg: src\/anywhere\/thing\.ts/),
    ])
  })

  it('fails when it saw next to nothing', async () => {
    plant({ 'src/domain/chunk.ts': 'export const chunk = 1\n' })
    const { problems } = await checkLayers(folder)
    expect(problems).toEqual([
      expect.stringMatching(/^saw 1 modules/),
      expect.stringMatching(/^saw 0 dependencies/),
    ])
  })
})
