// The house style as executable rules: names, sizes, wording, ports. Each rule is data with a name, the
// files it looks at and what it finds, so that tidy.test.ts can plant a violation of every single one.
import ts from 'typescript'
import { resourceRule } from './resource-rule.mjs'
import { lineCount, lineOf, matchingLines, nodesBelow } from './source-file.mjs'
import { testRule } from './test-rule.mjs'

/**
 * @typedef {import('./source-file.mjs').SourceFile} SourceFile
 * @typedef {{ line: number, message: string }} Finding
 * @typedef {object} Rule
 * @property {string} name
 * @property {(file: SourceFile) => boolean} appliesTo
 * @property {(file: SourceFile) => Finding[]} check
 */

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 90
const PORT_METHODS_MAX = 10
const HEAD_COMMENT_FROM_LINES = 15
const HEAD_COMMENT_CHARACTERS_MIN = 40

const KEBAB_PATH = /^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)+$/
const VAGUE_NAME = /(^|[/-])(utils?|helpers?|types|common|misc|manager)\.[a-z.]+$/

// Assembled, so that this file and its test do not break the rules they describe.
const UNFINISHED_MARKS = new RegExp(
  `\\b(${['TO_DO', 'FIX_ME', 'X_XX', 'HA_CK'].join('|').replaceAll('_', '')})\\b`,
)
const UNFINISHED_WORDS = new RegExp(
  `\\b(${['not_implemented', 'for_now'].join('|').replaceAll('_', ' ')})\\b`,
  'i',
)

/** @type {Rule} */
const kebabCase = {
  name: 'kebab-case names',
  appliesTo: (file) => file.isCode,
  check: ({ path }) =>
    KEBAB_PATH.test(path) ? [] : [{ line: 1, message: 'files and folders are named in kebab-case' }],
}

/** @type {Rule} */
const telling = {
  name: 'telling names',
  appliesTo: (file) => file.isCode,
  check: ({ path }) =>
    VAGUE_NAME.test(path) ? [{ line: 1, message: 'name the file after the one thing it holds' }] : [],
}

/** @type {Rule} */
const fileLength = {
  name: 'file length',
  appliesTo: (file) => file.isCode,
  check: ({ lines }) =>
    lines > FILE_LINES_MAX ? [{ line: 1, message: `${lines} lines, at most ${FILE_LINES_MAX}` }] : [],
}

/**
 * A list of tests is a table of contents, not something somebody has to hold in their head; each of its tests is.
 * @param {ts.Node} node
 */
function isSuite(node) {
  if (ts.isCallExpression(node.parent))
    return /\bdescribe\b/.test(node.parent.expression.getText().slice(0, 80))
  if (!('body' in node) || node.body === undefined) return false
  const body = /** @type {ts.Node} */ (node.body)
  return ts.isBlock(body) && body.statements.some(isTestCall)
}

/** @param {ts.Statement} statement */
function isTestCall(statement) {
  return (
    ts.isExpressionStatement(statement) && /^(it|test)\('/.test(statement.expression.getText().slice(0, 20))
  )
}

/** @type {Rule} */
const functionLength = {
  name: 'function length',
  appliesTo: (file) => file.isCode,
  check: (file) =>
    [...nodesBelow(file.tree())]
      .filter((node) => ts.isFunctionLike(node) && 'body' in node && !isSuite(node))
      .filter((node) => lineCount(node) > FUNCTION_LINES_MAX)
      .map((node) => ({
        line: lineOf(node),
        message: `a function of ${lineCount(node)} lines, at most ${FUNCTION_LINES_MAX}`,
      })),
}

/** @type {Rule} */
const finished = {
  name: 'finished work',
  appliesTo: (file) => file.isCode || file.path.startsWith('.ci/'),
  check: ({ text }) => [
    ...matchingLines(text, UNFINISHED_MARKS, (mark) => `${mark}: do it or write it down elsewhere`),
    ...matchingLines(text, UNFINISHED_WORDS, (words) => `"${words}": do it or leave it out`),
  ],
}

/** @param {ts.TypeElement} member */
function isMethod(member) {
  if (ts.isMethodSignature(member)) return true
  return ts.isPropertySignature(member) && member.type !== undefined && ts.isFunctionTypeNode(member.type)
}

/** @type {Rule} */
const smallPorts = {
  name: 'small ports',
  appliesTo: (file) => file.isProduct && /\/src\/ports\//.test(file.path),
  check: (file) =>
    [...nodesBelow(file.tree())].flatMap((node) => {
      if (!ts.isInterfaceDeclaration(node) && !ts.isTypeLiteralNode(node)) return []
      const methods = node.members.filter(isMethod).length
      if (methods <= PORT_METHODS_MAX) return []
      return [{ line: lineOf(node), message: `a port of ${methods} methods, at most ${PORT_METHODS_MAX}` }]
    }),
}

/** @param {string} text */
function headComment(text) {
  const code = text.replace(/^#!.*\n/, '').trimStart()
  return /^(\/\*[\s\S]*?\*\/|(\/\/.*\n)+)/.exec(code)?.[0] ?? ''
}

/** @type {Rule} */
const saysWhy = {
  name: 'says why it exists',
  appliesTo: (file) => {
    const isSource = /^(packages\/[^/]+\/src|examples\/[^/]+\/src|bench|scripts)\//.test(file.path)
    const isIndex = file.path.endsWith('/index.ts')
    return file.isCode && isSource && !file.isTest && !isIndex && file.lines > HEAD_COMMENT_FROM_LINES
  },
  check: ({ text }) =>
    headComment(text).length < HEAD_COMMENT_CHARACTERS_MIN
      ? [{ line: 1, message: 'start with a short paragraph that says why the file exists' }]
      : [],
}

/** @type {Rule} */
const lockWithoutHosts = {
  name: 'lock file without hosts',
  appliesTo: (file) => /(^|\/)package-lock\.json$/.test(file.path),
  check: ({ text }) =>
    matchingLines(
      text,
      /"resolved": "https?:\/\/[^/"]*/,
      (found) => `${found}: where packages come from is the installer's own affair`,
    ),
}

/**
 * @param {string[]} folders Absolute folders of this machine, found at run time.
 * @returns {Rule}
 */
function noMachinePaths(folders) {
  const ofAnyMachine = ['tmp', 'root', 'home'].map((name) => `/${name}/`)
  const escaped = [...folders, ...ofAnyMachine].map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`(?<![\\w.*})-])(${escaped.join('|')})`)
  return {
    name: 'no machine paths',
    appliesTo: () => true,
    check: ({ text }) => matchingLines(text, pattern, (path) => `${path} exists on one machine only`),
  }
}

/**
 * @param {string[]} machineFolders
 * @returns {Rule[]}
 */
export function rules(machineFolders) {
  return [
    kebabCase,
    telling,
    fileLength,
    functionLength,
    finished,
    smallPorts,
    saysWhy,
    lockWithoutHosts,
    resourceRule,
    testRule,
    noMachinePaths(machineFolders),
  ]
}
