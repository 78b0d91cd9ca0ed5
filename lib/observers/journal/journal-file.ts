/**
 * A journal on its way to the disk. Lines are written in the turn that tells them: the system then
 * has them, whatever becomes of the process. They are synced off the JavaScript thread, so that a
 * slow disk delays no step. Object lifetime.
 */

import { closeSync, fdatasync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export class JournalFile {
  readonly fd: number;
  #open = true;
  #syncing: Promise<void> | undefined;
  #syncAgain = false;
  /** Whether the last write left half a line, as on a full disk. */
  #broken = false;

  /** Makes the folder if need be. @throws the error of the file system, also when the file exists. */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.fd = openSync(path, 'ax');
  }

  /** @throws the error of the file system. */
  append(line: string): void {
    if (!this.#open) return;
    const bytes = Buffer.from(`${this.#broken ? '\n' : ''}${line}\n`);
    // Stays so when writeSync() throws.
    this.#broken = true;
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.fd, bytes, written);
    }
    this.#broken = false;
  }

  /** Resolves when all that was appended so far is on the disk. @throws (rejects) */
  async sync(): Promise<void> {
    if (!this.#open) return;
    this.#syncAgain = true;
    this.#syncing ??= this.#syncUntilDone();
    await this.#syncing;
  }

  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      this.closeNow();
    }
  }

  /** For a process that ends in this turn. A sync under way keeps the descriptor, for the system to close. */
  closeNow(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#syncing === undefined) closeSync(this.fd);
  }

  async #syncUntilDone(): Promise<void> {
    try {
      while (this.#syncAgain) {
        this.#syncAgain = false;
        await new Promise<void>((resolve, reject) => {
          fdatasync(this.fd, (error) => {
            if (error === null) resolve();
            else reject(error);
          });
        });
      }
    } finally {
      this.#syncing = undefined;
    }
  }
}
