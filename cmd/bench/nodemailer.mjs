// What one would write in JavaScript: nodemailer's verify(), so many at once.
// Arguments: folder of node_modules, host:port, TLS name, CA file, accounts file (login and password, tab between), at once.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [modules, place, name, caFile, accountsFile, width] = process.argv.slice(2)
const nodemailer = createRequire(modules + '/')('nodemailer')
const [host, port] = place.split(':')
const ca = readFileSync(caFile)
const accounts = readFileSync(accountsFile, 'utf8').trimEnd().split('\n').map((line) => line.split('\t'))

let next = 0
let refused = 0

async function work() {
  while (next < accounts.length) {
    const [user, pass] = accounts[next++]
    const transport = nodemailer.createTransport({
      host, port: Number(port), secure: true, name: 'audit.product.example', auth: { user, pass }, tls: { servername: name, ca },
    })
    try {
      await transport.verify()
    } catch {
      refused++
    } finally {
      transport.close()
    }
  }
}

await Promise.all(Array.from({ length: Number(width) }, work))
if (refused > 0) {
  console.error(`${refused} of ${accounts.length} were refused`)
  process.exit(1)
}
