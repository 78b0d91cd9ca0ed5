import 'close-with-grace';
