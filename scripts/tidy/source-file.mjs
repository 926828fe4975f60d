// What a tidy rule gets to see: a file's path, its text, what kind of file it is, and its syntax tree.
// Files are plain data, so a test can plant a violation without touching the disk.
import ts from 'typescript'

const CODE = /\.(ts|mts|tsx|js|mjs)$/
const TEST = /\.test\.ts$/

/**
 * @typedef {object} SourceFile
 * @property {string} path Relative to the checkout, with forward slashes.
 * @property {string} text
 * @property {number} lines
 * @property {boolean} isCode
 * @property {boolean} isTest
 * @property {boolean} isProduct Part of a published package, tests excluded.
 * @property {() => ts.SourceFile} tree
 */

/**
 * @param {string} path
 * @param {string} text
 * @returns {SourceFile}
 */
export function sourceFile(path, text) {
  /** @type {ts.SourceFile | undefined} */
  let parsed
  const isTest = TEST.test(path)
  return {
    path,
    text,
    lines: text.endsWith('\n') ? text.split('\n').length - 1 : text.split('\n').length,
    isCode: CODE.test(path),
    isTest,
    isProduct: /^packages\/[^/]+\/src\//.test(path) && !isTest,
    tree: () => {
      parsed ??= ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
      return parsed
    },
  }
}

/**
 * @param {ts.Node} node
 * @returns {number} The line the node starts at, counted from 1.
 */
export function lineOf(node) {
  const tree = node.getSourceFile()
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/**
 * @param {ts.Node} node
 * @returns {number}
 */
export function lineCount(node) {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.getEnd()).line + 2 - lineOf(node)
}

/**
 * Every node below `root`, parents before children.
 * @param {ts.Node} root
 * @returns {Generator<ts.Node>}
 */
export function* nodesBelow(root) {
  /** @type {ts.Node[]} */
  const children = []
  ts.forEachChild(root, (child) => {
    children.push(child)
  })
  for (const child of children) {
    yield child
    yield* nodesBelow(child)
  }
}

/**
 * The first identifier of a call chain: `describe` for `describe.skip.each(...)(...)`.
 * @param {ts.Expression} expression
 * @returns {string}
 */
export function rootName(expression) {
  let current = expression
  while (
    ts.isPropertyAccessExpression(current) ||
    ts.isCallExpression(current) ||
    ts.isTaggedTemplateExpression(current)
  ) {
    current = ts.isTaggedTemplateExpression(current) ? current.tag : current.expression
  }
  return ts.isIdentifier(current) ? current.text : ''
}

/**
 * Lines of `text` that match, as problems of a rule.
 * @param {string} text
 * @param {RegExp} pattern Without the global flag.
 * @param {(match: string) => string} message
 * @returns {{ line: number, message: string }[]}
 */
export function matchingLines(text, pattern, message) {
  return text.split('\n').flatMap((content, index) => {
    const match = pattern.exec(content)
    return match === null ? [] : [{ line: index + 1, message: message(match[0]) }]
  })
}
