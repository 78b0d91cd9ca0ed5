import '@godaddy/terminus';
