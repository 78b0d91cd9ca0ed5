// Runs one benchmark in a process of its own, so that none meets what another one has left behind.
// Arguments: its name, and its options as JSON. Sends its rows to the parent.
const [name, options] = process.argv.slice(2);
const { run } = await import(`./${name}.mjs`);
process.send(await run(JSON.parse(options)), () => process.disconnect());
