// Waiting for a condition, never for a time.

const PATIENCE = 15_000;

/** The first truthy answer of `ask`; what it waits for is said when it comes to nothing. */
export async function until(what, ask) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
