import 'http-graceful-shutdown';
