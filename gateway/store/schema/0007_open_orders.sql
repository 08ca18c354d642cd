-- Version 7. Open orders are kept with the connection (store/inbox.py): the index changed with every order and with every answer.
DROP INDEX command_open;
