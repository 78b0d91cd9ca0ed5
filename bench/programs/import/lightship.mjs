import 'lightship';
