export default (req, res) => res.send('the root of the API');
