'use strict';

// The protocol between the processes: a command is a line of JSON on standard input, with `do`. The answer is a line on
// standard output.

const { once } = require('node:events');
const { createInterface } = require('node:readline');
const { spawn } = require('node:child_process');

/** Answers each line with what `commands[line.do]` makes of it. Ends the process when there are no more. */
async function serve(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    let answer;
    try {
      answer = await commands[command.do](command) ?? {};
    } catch (error) {
      answer = { error: error.stack };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit();
}

/** A process that answers lines. */
class Peer {
  #child;

  #lines;

  constructor(name, command, args, env = process.env) {
    this.name = name;
    this.#child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid() { return this.#child.pid; }

  /** The next line it prints. */
  async read() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended with ${this.#child.exitCode ?? this.#child.signalCode}`);
    return JSON.parse(value);
  }

  async ask(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    const answer = await this.read();
    if (answer.error) throw new Error(`${this.name}, asked for ${JSON.stringify(message)}: ${answer.error}`);
    return answer;
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

module.exports = { Peer, serve };
