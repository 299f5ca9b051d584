// Tabs take turns, and see in their turn what the others did in theirs.
//
// The second half is not for nothing: a lock reaches another tab sooner than a change of
// localStorage does. Of ten tabs in Chromium that took turns, every fifth read a record that was
// out of date. So who has changed it leaves a note with the locks themselves, whose order is
// certain, and who finds one waits until it sees the record that the note tells of.

/** A record that does not come within this time, does not come at all. */
const PATIENCE = 1_000;

export class Turns {
  #session;
  #platform;

  constructor({ session, platform }) {
    this.#session = session;
    this.#platform = platform;
  }

  /** Runs `action`, which may change the record, while no other tab runs one. */
  async take(action) {
    const name = this.#session.sharedName;
    if (!name) return action();
    return this.#platform.exclusively(name, async () => {
      await this.#catchUp(name);
      await action();
      const record = this.#session.record;
      if (record) await this.#platform.leaveNote(`${notesOn(name, record)}${record.turn}`);
    });
  }

  async #catchUp(name) {
    const record = this.#session.record;
    if (!record) return;
    const notes = await this.#platform.notes(notesOn(name, record));
    const latest = Math.max(0, ...notes.map(Number));
    const hasCome = () => {
      const now = this.#session.record;
      return now?.session !== record.session || now.turn >= latest;
    };
    await this.#session.when(hasCome, PATIENCE);
  }
}

const notesOn = (name, { session }) => `${name}:${session}:`;
