#!/usr/bin/env node
// Checks the house style over the whole checkout and fails when it saw no files: a check that looks at
// nothing is always green. The rules live in tidy/rules.mjs, the exceptions in tidy/owners.mjs.
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rules } from './tidy/rules.mjs'
import { sourceFile } from './tidy/source-file.mjs'

const LONG_FILE_LINES = 250
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', 'dist', 'coverage', '.cache'])
const SKIPPED_FILES = /\.(png|jpg|gif|ico|woff2?|db|db-shm|db-wal|tgz|log)$/
const SYSTEM_FOLDERS = new Set(['/', '/usr', '/usr/local', '/opt', '/etc', '/var', '/srv'])

/** @typedef {import('./tidy/source-file.mjs').SourceFile} SourceFile */

/**
 * @param {string} folder
 * @returns {string[]} The paths of all files below, build output left out.
 */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : filesBelow(path)
    return entry.isFile() && !SKIPPED_FILES.test(entry.name) ? [path] : []
  })
}

/**
 * Folders whose names would only mean something here: the checkout, its neighbours, the user's home.
 * @param {string} root
 * @returns {string[]}
 */
export function machineFolders(root) {
  const parent = dirname(root)
  const neighbours = SYSTEM_FOLDERS.has(parent) ? [] : readdirSync(parent).map((name) => join(parent, name))
  const own = dirname(root) === '/' ? [] : [root]
  return [...own, ...neighbours, homedir()].filter((folder) => folder.split(sep).length > 2)
}

/**
 * @param {SourceFile[]} files
 * @param {string[]} [folders]
 * @returns {{ problems: string[], longFiles: number }}
 */
export function tidy(files, folders = []) {
  const problems = files.flatMap((file) =>
    rules(folders)
      .filter((rule) => rule.appliesTo(file))
      .flatMap((rule) =>
        rule.check(file).map(({ line, message }) => `${file.path}:${line} ${message} (${rule.name})`),
      ),
  )
  if (files.length === 0) problems.push('saw no files at all')
  const longFiles = files.filter((file) => file.isCode && file.lines > LONG_FILE_LINES).length
  return { problems, longFiles }
}

/**
 * @param {string} root
 * @returns {SourceFile[]}
 */
export function readCheckout(root) {
  return filesBelow(root).map((path) =>
    sourceFile(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(fileURLToPath(new URL('..', import.meta.url)))
  const files = readCheckout(root)
  const { problems, longFiles } = tidy(files, machineFolders(root))
  for (const problem of problems) console.error(problem)
  console.log(
    `tidy: ${files.length} files, ${files.filter((file) => file.isProduct).length} of the product, ` +
      `${longFiles} over ${LONG_FILE_LINES} lines, ${problems.length} problems`,
  )
  process.exitCode = problems.length === 0 ? 0 : 1
}
