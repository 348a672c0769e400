/** Waits until a condition holds, asking again and again. */
export async function eventually(holds, ms = 20_000) {
  for (const end = Date.now() + ms; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const answer = await holds();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`it did not happen within ${ms} ms: ${holds}`);
  }
}
