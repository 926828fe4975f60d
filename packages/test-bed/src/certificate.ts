// A certificate for servers of the loopback interface. It signed itself: who trusts it names it as the authority, who does not cannot.

import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from './binaries.js'
import { initialise } from './initialise.js'
import { makeScratchFolder, type RunAs, removeScratchFolder } from './run-as.js'

/** PEM texts. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

const DAYS = 2
const REQUEST = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

/** Of localhost and 127.0.0.1, or of other names: `DNS:example.test`. */
export async function makeCertificate(
  names: readonly string[] = ['DNS:localhost', 'IP:127.0.0.1'],
): Promise<Certificate> {
  const folder = makeScratchFolder('certificate', null)
  const { certFile, keyFile } = filesIn(folder)
  const subject = ['-subj', '/CN=spillway test', '-addext', `subjectAltName=${names.join(',')}`]
  const files = ['-days', String(DAYS), '-keyout', keyFile, '-out', certFile]
  try {
    await initialise(program('openssl', 'openssl'), [...REQUEST, ...subject, ...files], null)
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  } finally {
    removeScratchFolder(folder)
  }
}

/** In the server's folder. Servers insist that nobody else can read the key. */
export function writeCertificate(
  folder: string,
  user: RunAs | null,
  { cert, key }: Certificate,
): CertificateFiles {
  const files = filesIn(folder)
  writeFileSync(files.certFile, cert)
  writeFileSync(files.keyFile, key)
  for (const file of [files.certFile, files.keyFile]) {
    chmodSync(file, 0o600)
    if (user !== null) chownSync(file, user.uid, user.gid)
  }
  return files
}

function filesIn(folder: string): CertificateFiles {
  return { certFile: join(folder, 'server.pem'), keyFile: join(folder, 'server.key') }
}
