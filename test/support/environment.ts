/** What the terminal, the shell and the CI of somebody say of colours, widths and modes of files is not to matter to a test. */
for (const name of ['FORCE_COLOR', 'NO_COLOR', 'COLUMNS', 'LINES', 'NODE_OPTIONS', 'NODE_ENV'])
  delete process.env[name];
process.umask(0o022);
