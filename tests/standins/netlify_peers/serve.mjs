// Run the development server of @netlify/blobs: node serve.mjs NODE_MODULES DIRECTORY TOKEN
const [modules, directory, token] = process.argv.slice(2);
const { BlobsServer } = await import(`${modules}/@netlify/blobs/dist/server.js`);
const server = new BlobsServer({ directory, token });
console.log((await server.start()).address);
