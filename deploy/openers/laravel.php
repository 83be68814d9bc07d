<?php
/**
 * Opens for mailaudit what Laravel has sealed: columns with the cast `encrypted`, Crypt::encryptString and encrypt().
 * It runs in the product's own image with Laravel's own Encrypter and the product's APP_KEY, and needs no database:
 *
 *   php laravel.php                             speaks on standard input and output:  keyset: exec:php laravel.php
 *   php laravel.php /run/opener/opener.sock     listens on a socket:                  keyset: unix:/run/opener/opener.sock
 *
 * Environment: APP_KEY, APP_PREVIOUS_KEYS (after a change of key, with commas), APP_CIPHER (config/app.php's cipher,
 * by default AES-256-CBC), AUTOLOAD (by default vendor/autoload.php), SERIALIZED=1 where the column was
 * sealed by encrypt(), which serializes first.
 *
 * Each question and each answer is one line of JSON, the secrets in base64:
 *
 *   {"account_id": "4711", "secret": "ZXlKcGRp..."}     {"account_id": "4711", "secret": "b3BlbmVk"}
 *                                                       {"account_id": "4711", "error": "..."}
 */

declare(strict_types=1);

require getenv('AUTOLOAD') ?: 'vendor/autoload.php';

/** Tries the key of now and those before it; Laravel 11 does so by itself, older ones do not. */
final class Opener
{
    /** @var Illuminate\Encryption\Encrypter[] */
    private array $encrypters = [];

    public function __construct()
    {
        $keys = array_merge([getenv('APP_KEY') ?: ''], array_filter(explode(',', getenv('APP_PREVIOUS_KEYS') ?: '')));
        foreach ($keys as $key) {
            if (str_starts_with($key, 'base64:')) {
                $key = base64_decode(substr($key, 7));
            }
            $this->encrypters[] = new Illuminate\Encryption\Encrypter($key, getenv('APP_CIPHER') ?: 'AES-256-CBC');
        }
    }

    public function open(string $sealed): string
    {
        foreach ($this->encrypters as $encrypter) {
            try {
                $secret = $encrypter->decryptString($sealed);
                return getenv('SERIALIZED') ? (string) unserialize($secret, ['allowed_classes' => false]) : $secret;
            } catch (Illuminate\Contracts\Encryption\DecryptException $refused) {
            }
        }
        throw $refused;
    }
}

/** An error is told by its class: its text may hold what it is about. */
function answer(string $line, Opener $opener): string
{
    $question = json_decode($line, true, 4, JSON_THROW_ON_ERROR);
    $answer = ['account_id' => $question['account_id']];
    try {
        $answer['secret'] = base64_encode($opener->open(base64_decode($question['secret'])));
    } catch (Throwable $refused) {
        $answer['error'] = get_class($refused);
    }
    return json_encode($answer, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE) . "\n";
}

/** Answers one question; false at the end of the input, or where what came is none. */
function serve($input, $output, Opener $opener): bool
{
    $line = fgets($input);
    if ($line === false) {
        return false;
    }
    try {
        return tell($output, answer($line, $opener));
    } catch (Throwable $broken) {
        fwrite(STDERR, 'what came is no question: ' . get_class($broken) . "\n");
        return false;
    }
}

/** Answers several connections in turn: few are open at once, and an answer takes microseconds. */
function listen(string $path, Opener $opener): void
{
    if (file_exists($path) && filetype($path) === 'socket') {
        unlink($path); // of a life before this one
    }
    umask(0117); // for the pod's user and group alone
    $server = stream_socket_server('unix://' . $path, $code, $why) ?: throw new RuntimeException("listen: $why");
    $connections = [];
    while (true) {
        $ready = [...$connections, $server];
        $none = null;
        if (!stream_select($ready, $none, $none, null)) {
            continue;
        }
        foreach ($ready as $stream) {
            if ($stream === $server) {
                $connection = stream_socket_accept($server);
                $connections[(int) $connection] = $connection;
            } elseif (!serve($stream, $stream, $opener)) {
                unset($connections[(int) $stream]);
                fclose($stream);
            }
        }
    }
}

/** Writes all of it, for a socket may take a part only. */
function tell($stream, string $text): bool
{
    while ($text !== '') {
        $written = @fwrite($stream, $text);
        if (!$written) {
            return false;
        }
        $text = substr($text, $written);
    }
    return true;
}

ini_set('display_errors', 'stderr'); // standard output is for answers alone
ini_set('zend.exception_ignore_args', '1'); // and a trace shows no secret
$opener = new Opener();
if (isset($argv[1])) {
    listen($argv[1], $opener);
}
while (serve(STDIN, STDOUT, $opener)) {
}
