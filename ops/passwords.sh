# shellcheck shell=sh
# The rules for passwords. The images of db and cache have a copy of this file, and ops/swarm-init sources it. POSIX
# functions have no local variables, so those that need some run in a subshell: ( ) around the body.

# password_in FILE prints the password in a file. A shell drops a NUL, which the app does not: here a NUL becomes
# another control character, so that password_fault finds it.
password_in() { LC_ALL=C tr '\0' '\1' <"$1"; }

# password_fault NAME PASSWORD says why a server can't use this password as the secret NAME, and what to do. It prints
# nothing if the password is good. The rules are those of a first start on an empty volume. With existing_volume as the
# NAME they are those of any other start, which sets no password.
password_fault() (
  LC_ALL=C # ${#2} then counts bytes
  case $2 in
    '') echo "is empty: write a password into it" && exit ;;
    *[[:space:]]*) echo "has white space in it: a password is one word on one line" && exit ;;
    *[[:cntrl:]]*) echo "has a control character in it: save it as plain text, such as UTF-8" && exit ;;
  esac
  # The first start of MySQL puts the password unescaped between quotes.
  case $1=$2 in
    mysql_password=*[\'\"\\]*)
      echo "has a quote or a backslash in it, which the first start of MySQL can't set: use other characters" ;;
    mysql_password=*) [ ${#2} -le 256 ] || echo "is longer than 256 bytes, the most that MySQL takes: shorten it" ;;
  esac
)

# password_file_fault NAME FILE says what is wrong with the file of a secret in a container, and what to do, or prints
# nothing. NAME is that of password_fault.
password_file_fault() (
  secret=${2##*/}
  if [ ! -e "$2" ]; then
    echo "$2 is missing: mount the secret $secret (in development devsecrets/$secret)"
  elif [ ! -r "$2" ]; then
    echo "$2 is not readable by $(id -un): in development chmod 0644 devsecrets/$secret"
  else
    fault=$(password_fault "$1" "$(password_in "$2")")
    [ -z "$fault" ] || echo "$2 $fault (in development devsecrets/$secret)"
  fi
)
